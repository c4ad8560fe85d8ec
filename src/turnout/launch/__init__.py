"""Finding and starting the clients, with an environment of their own."""
