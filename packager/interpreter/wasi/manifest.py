# What is frozen, as in the firmware of boards: asyncio, the only Python in extmod.
freeze_as_str("$(MPY_DIR)/extmod")
