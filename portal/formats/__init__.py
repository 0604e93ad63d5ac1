"""How Django writes moments where no template of ours does: the admin."""
