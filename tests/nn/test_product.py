"""Products through oneDNN against plain ones in float64, and what happens where there is no
oneDNN.
"""

import pytest
import torch

from elman.nn import product
from elman.nn.product import Packed, linear, transposed

SIZES = [(1, 1, 1), (20, 64, 192), (33, 650, 97), (128, 96, 100)]
"""Rows, inputs, outputs: below and above what oneDNN is asked for, odd ones too."""
TRIED = product._works.__wrapped__
TOLERANCE = {torch.float64: 1e-14, torch.float32: 3e-6, torch.bfloat16: 8e-3}


@pytest.fixture(params=["onednn", "plain"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With oneDNN (where this machine has it) for the smallest product, and without."""
    if request.param == "plain":
        monkeypatch.setattr(product, "_works", lambda dtype: False)
    monkeypatch.setattr(product, "_LITTLE", 0)
    monkeypatch.setattr(product, "_SMALL", {torch.float32: 0, torch.bfloat16: 0})


def close(found: torch.Tensor, exact: torch.Tensor) -> None:
    assert found.shape == exact.shape
    tolerance = TOLERANCE[found.dtype]
    torch.testing.assert_close(found.double(), exact, rtol=tolerance, atol=tolerance * exact.abs().max().item())


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("rows", "inputs", "outputs"), SIZES)
def test_every_product_is_the_plain_one(rows: int, inputs: int, outputs: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(1)
    x, weight, above, bias = (
        torch.randn(shape, generator=generator).to(dtype)
        for shape in ((rows, inputs), (outputs, inputs), (rows, outputs), (outputs,))
    )
    wide = [part.double() for part in (x, weight, above, bias)]
    expected = wide[0] @ wide[1].t()
    close(linear(x, weight), expected)
    close(linear(x, weight, bias), expected + wide[3])
    close(linear(x, weight, bias, buffer=torch.full_like(above, torch.nan)), expected + wide[3])
    close(linear(x, weight, buffer=torch.full_like(above, torch.nan)), expected)
    close(linear(above, weight.t()), wide[2] @ wide[1])
    close(transposed(above, x), wide[2].t() @ wide[0])
    for products in (1, 100):
        close(Packed(weight, rows=rows, products=products)(x), expected)
        close(Packed(weight.t(), rows=rows, products=products)(above), wide[2] @ wide[1])


def test_packed_weights_take_other_numbers_of_rows() -> None:
    weight = torch.randn(96, 64)
    times = Packed(weight, rows=20, products=100)
    for rows in (1, 7, 20, 64):
        x = torch.randn(rows, 64)
        torch.testing.assert_close(times(x), x @ weight.t(), rtol=1e-5, atol=1e-4)


def test_each_result_has_memory_of_its_own() -> None:
    times = Packed(torch.randn(96, 64), rows=2, products=100)
    x = torch.randn(2, 64)
    first = times(x)
    kept = first.clone()
    times(x + 1)
    assert torch.equal(first, kept)


def test_operators_that_are_missing_or_wrong_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def __getattr__(self, name: str) -> object:
            raise AttributeError(name)

    class Wrong:
        class _Operator:
            @staticmethod
            def default(x: torch.Tensor, weight: torch.Tensor, *rest: object) -> torch.Tensor:
                return torch.zeros(5, 33, dtype=x.dtype)

        _reorder_linear_weight = _linear_pointwise = _Operator

    if torch.backends.mkldnn.is_available() and torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        assert TRIED(torch.float32)
    assert not TRIED(torch.float64)
    monkeypatch.setattr(torch.ops, "mkldnn", Broken())
    assert not TRIED(torch.float32)
    monkeypatch.setattr(torch.ops, "mkldnn", Wrong)
    assert not TRIED(torch.float32)
