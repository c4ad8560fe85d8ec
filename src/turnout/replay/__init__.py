"""A recorded session, looked at again and sent again: to see what another upstream, or this Turnout, makes of it."""
