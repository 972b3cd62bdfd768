//! Steps over blocks: matrices of one row per request's row, in registers.

use servoir_types::Data;
use std::borrow::Cow;

/// Elements of a block, an input's own memory or a step's.
pub type Block<'a> = Cow<'a, Data>;

/// What a step makes of one block.
pub trait Map: Send + Sync {
    /// Makes the block. The operand is of the type and width for which the step was made.
    ///
    /// # Errors
    /// What about the values makes it impossible.
    fn map<'a>(&self, operand: Block<'a>) -> Result<Block<'a>, String>;
}

/// The reason when an operand is not of the type for which the step was made.
pub fn mistyped(data: &Data) -> String {
    format!("a step was not made for {}", data.datatype())
}

/// Steps in the order in which they run.
#[derive(Default)]
pub struct Steps {
    list: Vec<Step>,
    /// The registers that hold something before the first step, and those that steps fill.
    registers: usize,
}

struct Step {
    from: Vec<Operand>,
    work: Work,
}

/// A register that a step reads.
struct Operand {
    register: usize,
    /// Whether no later step reads it.
    is_last: bool,
}

enum Work {
    Map(Box<dyn Map>),
    /// Puts rows side by side, whose widths these are.
    Concat(Vec<usize>),
}

impl Steps {
    /// No steps yet, over this many blocks.
    pub fn over(blocks: usize) -> Self {
        Self { list: Vec::new(), registers: blocks }
    }

    /// Adds a step over one register; gives the register that it fills.
    pub fn push_map(&mut self, from: usize, map: Box<dyn Map>) -> usize {
        self.push(vec![from], Work::Map(map))
    }

    /// Adds a step that puts the rows of registers side by side, each with its width.
    pub fn push_concat(&mut self, from: &[(usize, usize)]) -> usize {
        let widths = from.iter().map(|(_, width)| *width).collect();
        self.push(from.iter().map(|(register, _)| *register).collect(), Work::Concat(widths))
    }

    fn push(&mut self, from: Vec<usize>, work: Work) -> usize {
        let from = from.into_iter().map(|register| Operand { register, is_last: false }).collect();
        self.list.push(Step { from, work });
        self.registers += 1;
        self.registers - 1
    }

    /// Drops the steps that do not lead to `wanted`, and frees what is not read again.
    pub fn finish(&mut self, wanted: &[usize]) {
        let first = self.registers - self.list.len();
        let mut is_read = vec![false; self.registers];
        for &register in wanted {
            is_read[register] = true;
        }
        let keep = is_read.clone();
        for (index, step) in self.list.iter_mut().enumerate().rev() {
            if !is_read[first + index] {
                step.from.clear();
                continue;
            }
            for operand in step.from.iter_mut().rev() {
                operand.is_last = !std::mem::replace(&mut is_read[operand.register], true) && !keep[operand.register];
            }
        }
    }

    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.list.iter().all(|step| step.from.is_empty())
    }

    /// Runs the steps over blocks of `rows` rows, which are in the first registers, and fills the others.
    pub fn run(&self, registers: &mut Vec<Option<Block<'_>>>, rows: usize) -> Result<(), String> {
        for step in &self.list {
            let mut from = Vec::with_capacity(step.from.len());
            for operand in &step.from {
                let register = &mut registers[operand.register];
                let block = if operand.is_last { register.take() } else { register.clone() };
                from.push(block.ok_or("a step reads what is not there any more")?);
            }
            let made = match &step.work {
                _ if from.is_empty() => None,
                Work::Map(map) => from.pop().map(|operand| map.map(operand)).transpose()?,
                Work::Concat(widths) => Some(Cow::Owned(super::columns::concat(&from, widths, rows)?)),
            };
            registers.push(made);
        }
        Ok(())
    }
}
