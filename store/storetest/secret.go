package storetest

func secretPromises() []promise { return nil }
