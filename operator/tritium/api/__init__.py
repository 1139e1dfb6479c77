"""The language: what a ModelDeployment says, and the schema a server checks it with.

Pure, and the lowest layer: it imports nothing of Tritium.
"""
