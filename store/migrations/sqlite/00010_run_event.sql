-- What an event has started is found by the event. Forward only.

-- +goose Up

CREATE INDEX run_event ON run (event);
