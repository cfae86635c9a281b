//! Fleets of servers under load: dynamics, cost, policies, simulator and the exact optimum.
