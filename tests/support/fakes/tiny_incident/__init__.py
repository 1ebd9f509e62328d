"""An incident as a newcomer would add it: one workload, one drill file with its judge, and nothing else touched."""
