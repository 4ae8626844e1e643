package storetest

func accountPromises() []promise { return nil }
