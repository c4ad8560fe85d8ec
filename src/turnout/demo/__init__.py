"""A coding conversation that anyone can see without an account: gateway and simulator here, real clients in front."""
