"""What at least three services need, one module per subject, named by what it does.

Knows no service, no operator tool and no incident.
"""
