"""Floor 5: what goes out to members. Webhooks: members name an address, and the hub calls it when something happens."""
