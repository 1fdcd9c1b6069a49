"""Pegasus projects of before version 5: their files read, and said in today's form.

`project.py` is the way in; a module for each format, `parts.py` is what they have in common, `pegasus5.py` writes.
"""
