"""The logger of one model: it writes a share of the requests, with their answers, to the user's bucket."""
