package storetest

func auditPromises() []promise { return nil }
