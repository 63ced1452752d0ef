"""Everything that talks to Postgres; the only user of the driver."""
