"""What more than one service needs, one module per subject, named by what it does.

Knows no service, no operator tool and no incident.
"""
