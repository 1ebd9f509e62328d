"""Incidents for people: a defect that nobody names, symptoms, a clock, hints, a score that the data decide.

`play.py` is the one to read first. What is planted is sealed (`record.py`); what counts (`judging.py`) is decided by
the invariants and by what must still be there (`refusals.py`), never by what the responder says.
"""
