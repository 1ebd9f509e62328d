"""The payment service provider: authorise, capture, void, refund, and webhooks about them.

Its journal is the witness of where money went. It can be told to misbehave as real providers do.
"""
