"""What is wrong with an emulated chip, one idea a module; `signal_path` puts them in order.

Formulas, units and sources are in docs/imperfections.md.
"""
