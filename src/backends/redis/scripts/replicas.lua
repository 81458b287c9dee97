-- Returns the registry, as registry.lua reads it.

return read_registry()
