"""elman's models as scikit-learn estimators.

>>> from elman.sklearn import TextClassifier
>>> TextClassifier(cell="gru", epochs=5)
TextClassifier(cell='gru', epochs=5)
"""

import importlib.util

from elman.errors import MissingExtra

if importlib.util.find_spec("sklearn") is None:
    raise MissingExtra("elman.sklearn needs scikit-learn; run: pip install 'elman[tasks]'")

from elman.tasks.classify.estimator import TextClassifier

__all__ = ["TextClassifier"]
