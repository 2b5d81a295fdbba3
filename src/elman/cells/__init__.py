"""All cells of elman, one step each (``recurrent.py``, ``parallel.py``, ``windowed.py``)."""
