"""Every cell of elman: one step each, written once (``recurrent.py``, ``parallel.py``,
``windowed.py``).
"""
