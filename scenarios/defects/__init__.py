"""Broken twins of healthy parts, planted from outside by the fault overlay. The only place that knows services.

Each file holds one defect: its card for the catalogue and the twin itself.
"""
