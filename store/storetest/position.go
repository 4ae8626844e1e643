package storetest

func positionPromises() []promise { return nil }
