"""The rules of shipping: rates, packing, promises, addresses, quotes, and the way of a parcel. Pure."""
