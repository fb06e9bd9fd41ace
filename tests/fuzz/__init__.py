"""Bad input on purpose: mutants of every settings file, each refused in one message or meant as it
is written.
"""
