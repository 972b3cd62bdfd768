//! How many instances a deployment is to have, by how busy they are.
//!
//! The rule is that of Kubernetes' [horizontal autoscaler](https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details):
//! as many as would be at work for the wanted share of their time, a difference of a tenth let be, more at once and fewer only
//! when no look of the last ones asked for more.

/// The bounds of a deployment's instances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scaling {
    /// The fewest while it is awake, and at least one then; 0: it may sleep, and has none.
    pub instances_min: usize,
    /// The most.
    pub instances_max: usize,
    /// The share of their time that instances are to be at work, above 0 and up to 1.
    pub utilization: f64,
}

/// Looks in a row that must ask for more instances before there are more.
const LOOKS_UP: usize = 2;
/// Looks in a row that must ask for fewer.
const LOOKS_DOWN: usize = 30;
/// So far from what is wanted, as a share of it, is near enough.
const TOLERANCE: f64 = 0.1;

impl Scaling {
    /// The number within the bounds.
    pub fn clamp(&self, instances: usize) -> usize {
        instances.min(self.instances_max).max(self.instances_min).max(1)
    }

    /// How many instances there should be when there are `instances`, of which `busy` were at work in the mean.
    fn wanted(&self, instances: usize, busy: f64) -> usize {
        let share = busy / instances.max(1) as f64 / self.utilization;
        let wanted =
            if (share - 1.0).abs() <= TOLERANCE { instances } else { (busy / self.utilization).ceil() as usize };
        self.clamp(wanted)
    }
}

/// What the last looks at a deployment asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scaler {
    /// Looks in a row that asked for more.
    up: usize,
    /// Looks in a row that asked for fewer, and the most that one of them asked for.
    down: (usize, usize),
}

impl Scaler {
    /// Looks: there are `instances`, of which `busy` were at work in the mean since the last look. How many there are to be from
    /// now on.
    pub fn look(&mut self, scaling: &Scaling, instances: usize, busy: f64) -> usize {
        let within = scaling.clamp(instances);
        if within != instances {
            *self = Self::default();
            return within;
        }
        let wanted = scaling.wanted(instances, busy);
        self.up = if wanted > instances { self.up + 1 } else { 0 };
        self.down = if wanted < instances { (self.down.0 + 1, wanted.max(self.down.1)) } else { (0, 0) };
        let decided = match (self.up, self.down) {
            (LOOKS_UP.., _) => wanted,
            (_, (LOOKS_DOWN.., fewer)) => fewer,
            _ => return instances,
        };
        *self = Self::default();
        decided
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALING: Scaling = Scaling { instances_min: 1, instances_max: 8, utilization: 0.5 };

    /// The numbers of instances after looks at which so many were busy, when it is done as it is said.
    fn looked(mut instances: usize, looks: &[(usize, f64)]) -> Vec<usize> {
        let mut scaler = Scaler::default();
        let mut after = Vec::new();
        for (times, busy) in looks {
            for _ in 0..*times {
                instances = scaler.look(&SCALING, instances, busy.min(instances as f64));
            }
            after.push(instances);
        }
        after
    }

    #[test]
    fn instances_follow_the_load_and_do_not_flutter() {
        // Twice as many every second look, as long as all are busy; no more than the most.
        assert_eq!(looked(1, &[(1, 9.0), (1, 9.0), (2, 9.0), (2, 9.0), (20, 9.0)]), [1, 2, 4, 8, 8]);
        // One busy look alone is nothing, and looks that say different things do not add up.
        assert_eq!(looked(2, &[(1, 2.0), (1, 1.0), (1, 2.0), (1, 1.0)]), [2, 2, 2, 2]);
        // What is about right stays.
        assert_eq!(looked(4, &[(100, 1.85), (100, 2.15)]), [4, 4]);
        // Fewer only after a while, and no fewer than the busiest look of it asked for.
        assert_eq!(looked(8, &[(29, 0.5), (1, 0.5)]), [8, 1]);
        assert_eq!(looked(8, &[(15, 0.0), (1, 2.2), (14, 0.0)]), [8, 8, 5]);
        assert_eq!(looked(8, &[(29, 0.0), (1, 4.0), (29, 0.0), (1, 0.0)]), [8, 8, 8, 1]);
    }

    #[test]
    fn a_number_out_of_bounds_is_mended_at_once() {
        let mut scaler = Scaler::default();
        assert_eq!(scaler.look(&SCALING, 20, 0.0), 8);
        let three = Scaling { instances_min: 3, ..SCALING };
        assert_eq!(scaler.look(&three, 1, 0.0), 3);
    }
}
