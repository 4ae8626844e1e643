package feed

import (
	"tidings"
	"tidings/egress"
)

// verdict is what an attempt means: for programs and in words for people. The
// words never hold credentials or the query of a URL.
type verdict struct {
	outcome tidings.Outcome
	what    string // what happened and its likely cause; "" when delivered
	advice  string // what to do; may be ""
}

func (v verdict) text() string {
	if v.advice == "" {
		return v.what
	}
	return v.what + "; " + v.advice
}

// judge gives the verdict on a request to an endpoint. It is the one place
// where this is decided: by the status when one was read, else by what the
// door to the outside makes of the error.
func judge(ep *tidings.Endpoint, r *egress.Response, err error) verdict {
	if err == nil {
		return judgeStatus(ep, r)
	}
	receiver := egress.Party{
		Name:   "the receiver",
		Unread: "the receiver does not read the request: check that it is not stuck, or make batches smaller",
		Slow:   "answer 200 first and do the work afterwards, or raise the endpoint's timeout",
	}
	t := egress.Explain(receiver, ep.URL, r, err)
	return verdict{outcomeOf(t.Kind), t.What, t.Advice}
}

// outcomeOf names a trouble as an outcome.
func outcomeOf(kind egress.TroubleKind) tidings.Outcome {
	switch kind {
	case egress.TroubleRefused:
		return tidings.OutcomeRefused
	case egress.TroubleDNS:
		return tidings.OutcomeDNS
	case egress.TroubleTimeout:
		return tidings.OutcomeTimeout
	case egress.TroubleTLS:
		return tidings.OutcomeTLS
	case egress.TroubleReset:
		return tidings.OutcomeReset
	case egress.TroubleProtocol:
		return tidings.OutcomeProtocol
	case egress.TroubleAddress:
		return tidings.OutcomeBlocked
	}
	return tidings.OutcomeOther
}
