package vtl

// kitTools are the tools that the kit binds.
func kitTools() Tools { return StandardTools() }
