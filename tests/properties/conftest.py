"""How hypothesis searches: a slow machine is no failure, and a search that failed can be done again."""

from hypothesis import settings

settings.register_profile("tritium", deadline=None, print_blob=True)
settings.load_profile("tritium")
