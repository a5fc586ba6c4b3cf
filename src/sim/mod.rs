//! Providers that are not there: real HTTP on loopback in each provider's own words, faults on demand.
