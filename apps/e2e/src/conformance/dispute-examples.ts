import { uuidOf } from '@payflow/contracts';
import { until } from '@payflow/testing';
import type { CardHouse } from '../house/card-house.js';
import type { ExamplePlayer } from './example-player.js';

/** Whose card it is says that it was not he who paid: one dispute is left open, the other is answered. */
export async function playDisputes(player: ExamplePlayer, stage: CardHouse): Promise<void> {
  const path = { id: await disputed(player, stage) };
  await player.play('getDispute', { path });
  await disputed(player, stage);
  const evidence = { shipping_tracking: '1Z999AA10123456784', customer_communication: 'Signed for by the customer.' };
  await player.play('submitDisputeEvidence', { path, body: evidence });
}

/** Returns the id of a dispute of a new payment. */
async function disputed(player: ExamplePlayer, stage: CardHouse): Promise<string> {
  const { body } = await stage.pay({ amount: '50000' });
  const id = body['id'] as string;
  const reference = await stage.house.databases.value<string>(
    'payments',
    'select provider_reference from payments where id = $1',
    [uuidOf('payment', id)],
  );
  await stage.sandbox.openDispute(reference, { amount: '40000' });
  return until('the dispute is shown', async () => {
    const { data } = await player.play('listPaymentDisputes', { path: { id } });
    return (data as readonly { readonly id: string }[])[0]?.id;
  });
}
