"""Request, configuration and catalogue → `Route`. Pure."""
