// The kernels by their names.
#pragma once

#include "emulator.hpp"

#include <map>
#include <string>

namespace emulator {

struct Known {
    Kernel kernel;
    size_t argument_bytes;
};

std::map<std::string, Known>& kernel_table();

} // namespace emulator
