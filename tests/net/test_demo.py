# SPDX-License-Identifier: GPL-2.0-or-later
"""What `quickstart demo` tells of the machine alone: nothing of it fails, nothing is left.
(What it tells of the two boxes is test_e2e.)"""

import pytest

from alone import Alone
from demo import tell_alone


@pytest.mark.few  # a Squid is killed under load
def test_the_machine_alone(net):
    total, failed, _, left = tell_alone(Alone(net))
    assert total["requests"] > 4000
    assert failed == [] and left == []
