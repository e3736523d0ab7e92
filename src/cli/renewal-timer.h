#pragma once

/* Whether systemd renews certificates: the installation enables nothing by itself. */

struct admin;

/* Says whether the timer is enabled, and if it is not, warns how to enable it. Does nothing where
 * systemd does not run. */
void renewal_timer_tell(struct admin *admin);
