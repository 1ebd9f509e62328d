"""The simulated outside world: the shop's witnesses.

One process plays the payment service provider, the carrier, the mail, SMS and push gateways, taps every Kafka
topic and carries the fault proxies. Each part keeps its own append-only journal. It knows nothing of the fleet's
databases and imports nothing of the fleet; the fleet reaches it over the network only. It runs by
`scenarios.world.app.run(environ)`.
"""
