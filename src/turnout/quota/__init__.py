"""How much of an account's plan is used: what the answers and the usage endpoint say, and the last known of it."""
