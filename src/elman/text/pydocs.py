"""The built-in text: the documentation that comes with every Python.

The topics of Python's language reference and the docstrings of standard-library modules, about
300,000 words and punctuation marks. The source files are read, never imported or run, and the list
of modules is the same everywhere, so one Python version gives one text whatever the platform.
"""

import ast
import gc
import inspect
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from functools import cache
from importlib.machinery import PathFinder

_MODULES = """
_collections_abc _pydatetime _pydecimal _pyio argparse ast asyncio.base_events asyncio.events asyncio.futures
asyncio.locks asyncio.protocols asyncio.streams asyncio.tasks base64 bdb bz2 calendar cmd code codecs collections
concurrent.futures._base concurrent.futures.process configparser contextlib copy dataclasses datetime difflib dis
doctest email._policybase email.charset email.generator email.header email.headerregistry email.message email.policy
email.utils enum fileinput fractions ftplib functools graphlib gzip heapq http.client http.cookiejar http.cookies
http.server imaplib importlib.abc importlib.metadata inspect ipaddress json json.decoder json.encoder locale logging
logging.config logging.handlers lzma mailbox mimetypes multiprocessing.managers numbers operator optparse os pathlib
pdb pickle pickletools pkgutil platform poplib pprint profile pstats pydoc queue random re sched selectors shelve
shutil smtplib socket socketserver ssl statistics string subprocess tarfile tempfile textwrap threading timeit
tokenize traceback typing unittest.case unittest.mock urllib.parse urllib.request uuid wave weakref wsgiref.handlers
xml.etree.ElementTree xml.sax.handler xmlrpc.client xmlrpc.server zipfile
"""


@cache
def documents() -> tuple[str, ...]:
    """Every topic by its name, then every docstring by module and line, without duplicates.

    >>> sum(len(document.split()) for document in documents()) > 200_000
    True
    """
    return tuple(dict.fromkeys([*_topics(), *_docstrings()]))


def _topics() -> Iterator[str]:
    for statement in _parse("pydoc_data.topics"):
        if isinstance(statement, ast.Assign):
            topics = ast.literal_eval(statement.value)
            yield from (inspect.cleandoc(topics[name]) for name in sorted(topics))


def _docstrings() -> Iterator[str]:
    for name in _MODULES.split():
        module = ast.Module(_parse(name), [])
        for node in [module, *sorted(_definitions(module), key=lambda node: node.lineno)]:
            docstring = ast.get_docstring(node)
            if docstring:
                yield docstring


def _definitions(node: ast.AST) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """The classes and functions in a statement, at any depth; expressions have none, and are most
    of what there is."""
    for part in ("body", "handlers", "orelse", "finalbody", "cases"):
        for child in getattr(node, part, ()):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield child
            yield from _definitions(child)


def _parse(name: str) -> list[ast.stmt]:
    """The statements of a standard-library module; none if it is not installed."""
    search_path: list[str] | None = [
        sysconfig.get_path("stdlib"),
        *(path for path in sys.path if path.endswith(".zip")),
    ]
    spec = None
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        # Searching for one part at a time keeps the packages around it from being imported.
        spec = PathFinder.find_spec(".".join(parts[:end]), search_path)
        if spec is None:
            return []
        search_path = list(spec.submodule_search_locations or [])
    reader = getattr(spec.loader if spec else None, "get_source", None)
    source = reader(name) if reader else None
    collects = gc.isenabled()
    gc.disable()  # looking for garbage among so many new objects would take as long as the parsing
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source or "").body
    finally:
        if collects:
            gc.enable()
