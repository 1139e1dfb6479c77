"""How hypothesis searches: a slow machine is no failure, and the same tree gives the same result.

`pytest --hypothesis-profile=explore` searches elsewhere each time, and keeps what it has found.
"""

from hypothesis import settings

settings.register_profile("explore", deadline=None, print_blob=True)
settings.register_profile("tritium", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("tritium")
