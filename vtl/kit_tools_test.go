package vtl

func kitTools() Tools { return nil }
