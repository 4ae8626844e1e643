package storetest

func endpointPromises() []promise { return nil }
