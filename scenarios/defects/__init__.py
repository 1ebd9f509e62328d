"""Broken twins of healthy parts, planted from outside by the fault overlay. The only place that knows services.

Each file of an incident's folder is one defect: its CARD for people and the TWINS of the parts it replaces. The
catalogue lists them all.
"""
