package call

// What those that show webhooks need of this package's knowledge.

// IsSecretName says whether a header or parameter of this name carries a
// secret, by the names that APIs give to them.
func IsSecretName(name string) bool { return isSecretName(name) }

// MaskedURL hides in a URL the values of parameters whose names say that they are secret.
func MaskedURL(raw string) string { return mask{}.url(raw) }

// Expression is how templates reach the whole reply of the webhook of a name:
// $data.get('WH5').
func Expression(name string) string { return Leaf{Expression: "$data"}.key(name).Expression }
