"""The checker that runs the annotations of `interp/` and `probes/` while the tests run.

Beartype, with the rule that every type checker follows (PEP 484): an int will do where a float is asked.
"""

from beartype import BeartypeConf, beartype

typechecked = beartype(conf=BeartypeConf(is_pep484_tower=True))
