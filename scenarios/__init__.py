"""The incidents: what is played against the fleet, and how its outcome is judged.

Workloads write a client history, witnesses keep journals, snapshots read the audit views; checkers
compare them and a verdict comes out. Nothing here imports a service, except the broken twins in
`scenarios.defects`.
"""
