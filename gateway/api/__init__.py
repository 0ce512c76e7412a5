"""The hub's API, live stream and page: who may see what is decided here, request by request."""
