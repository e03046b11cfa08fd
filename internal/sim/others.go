package sim

import "github.com/hachi-serve/hachi/internal/sim/event"

// begin starts the periods of other work, if there is any.
func (c *cores) begin() {
	if c.others.For > 0 {
		c.world.loop.After(c.others.Every, event.Func(c.period))
	}
}

// period ends a period of other work. Where the processes left too little idle, they stand
// still until others had their time.
func (c *cores) period() {
	c.catchUp()
	idle := 1 - c.used/(c.total*c.others.Every.Seconds())
	c.used = 0
	c.world.loop.After(c.others.Every, event.Func(c.period))
	if idle >= c.others.Idle {
		return
	}
	c.still = true
	c.plan()
	c.world.loop.After(c.others.For, event.Func(func() {
		c.catchUp()
		c.still = false
		c.plan()
	}))
}
