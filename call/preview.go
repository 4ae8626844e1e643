package call

import "context"

// Preview makes the request of an order as Do does, and sends nothing. The
// result has no tries and no reply; its Problem says why the request can't be
// made, nil when it can.
func (c *Caller) Preview(ctx context.Context, o Order) (res Result) {
	res = c.begin(&o)
	if request := c.render(ctx, &o, &res); request != nil {
		c.complete(request, &o, &res)
	}
	return res
}
