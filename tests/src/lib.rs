//! Tests against real counterparts, and the rules of the house.
